{{/*
Environment settings. Each component's settings are one YAML map of name to value (text) or valueFrom (map); a map cannot
hold a name twice, which the API server would refuse.
*/}}

{{/* A list of EnvVar: settings, then the extra entries, of which the last of a name wins. Context: settings, extra. */}}
{{- define "guildnet.env" -}}
{{- $last := dict -}}
{{- range $index, $entry := .extra }}{{ $_ := set $last $entry.name $index }}{{ end -}}
{{- range $name, $value := .settings }}
{{- if not (hasKey $last $name) }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  valueFrom:
    {{- toYaml $value | nindent 4 }}
  {{- else }}
  value: {{ $value | toString | quote }}
  {{- end }}
{{- end }}
{{- end }}
{{- range $index, $entry := .extra }}
{{- if eq $index (get $last $entry.name) }}
- {{ toYaml $entry | nindent 2 | trim }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "guildnet.settings.common" -}}
INSTALL_NAME: {{ include "guildnet.installName" . | quote }}
K8S_NAMESPACE: {{ .Values.workspaces.namespace | quote }}
LOG_FORMAT: {{ .Values.log.format | quote }}
LOG_LEVEL: {{ .Values.log.level | quote }}
OPS_PORT: {{ .Values.opsPort | int | quote }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ .Values.tracing.endpoint | quote }}
RELEASE_NAMESPACE: {{ .Release.Namespace | quote }}
{{- end -}}

{{- define "guildnet.settings.api" -}}
{{ include "guildnet.settings.common" . }}
ACCESS_DEFAULT: {{ .Values.access.default | quote }}
DIRECT_EXPOSURE: {{ .Values.workspaces.directExposure | quote }}
DOMAIN: {{ include "guildnet.domain.host" . | quote }}
ENTRIES_CONFIGMAP: {{ include "guildnet.configmap.entries" . | quote }}
HOSTNAME: {"fieldRef": {"fieldPath": "metadata.name"}}
IDENTITY_KEY_FILE: /etc/guildnet/keys/identity
LEASE_NAME: {{ include "guildnet.fullname" . }}-operator
LIMIT_READINGS: {{ .Values.api.limits.readings | int | quote }}
LIMIT_REQUESTS: {{ .Values.api.limits.requests | int | quote }}
LIMIT_REQUEST_BURST: {{ .Values.api.limits.requestBurst | int | quote }}
LIMIT_REQUEST_RATE: {{ .Values.api.limits.requestRate | quote }}
LIMIT_SEARCHES: {{ .Values.api.limits.searches | int | quote }}
LIMIT_STREAMS: {{ .Values.api.limits.streams | int | quote }}
LISTEN: 0.0.0.0:8080
LOG_BYTES: {{ .Values.api.logs.bytes | int64 | quote }}
LOG_DIRECT_FOLLOWS: {{ .Values.api.logs.directFollows | int | quote }}
LOG_LINES: {{ .Values.api.logs.lines | int | quote }}
LOG_LINE_BYTES: {{ .Values.api.logs.lineBytes | int | quote }}
LOG_LINGER_SECONDS: {{ .Values.api.logs.lingerSeconds | quote }}
LOG_RATE_BYTES: {{ .Values.api.logs.rateBytes | int64 | quote }}
PRESETS_FILE: /etc/guildnet/presets/presets.json
REDIS_URL: {{ include "guildnet.redis.source" . | trim }}
{{- with .Values.workspaces.storage.default }}
STORAGE_CLASS: {{ .className | quote }}
STORAGE_DEFAULT: {{ .mode | quote }}
STORAGE_MOUNT_PATH: {{ .mountPath | quote }}
STORAGE_SIZE: {{ .size | quote }}
{{- end }}
SLOW_VIEWER_SECONDS: {{ .Values.api.logs.slowViewerSeconds | quote }}
UI_DIR: {{ .Values.api.uiDir | quote }}
WORKSPACE_KEY_FILE: /etc/guildnet/keys/workspace
{{- end -}}

{{/* In flow style, so that it stands after a key: text, or a valueFrom. */}}
{{- define "guildnet.redis.source" -}}
{{- if .Values.redis.url -}}
{{ dict "secretKeyRef" (dict "name" (include "guildnet.secret.redis" .) "key" "url") | toJson }}
{{- else if .Values.redis.existingSecret -}}
{{ dict "secretKeyRef" (dict "name" .Values.redis.existingSecret "key" "url") | toJson }}
{{- else if .Values.valkey.enabled -}}
{{ dict "secretKeyRef" (dict "name" (include "guildnet.secret.valkey" .) "key" "url") | toJson }}
{{- else -}}
""
{{- end -}}
{{- end -}}

{{- define "guildnet.settings.proxy" -}}
{{ include "guildnet.settings.common" . }}
ACCESS_DEFAULT: {{ .Values.access.default | quote }}
ACCESS_LOG: {{ .Values.proxy.accessLog | quote }}
ADMIN_SERVICE_ACCOUNT: {{ printf "%s:%s-admin" .Release.Namespace (include "guildnet.fullname" .) | quote }}
ALLOWED_TARGETS: {{ join "," .Values.proxy.allowedTargets | quote }}
API_URL: {{ printf "http://%s-api:8080" (include "guildnet.fullname" .) | quote }}
CLUSTER_DOMAIN: {{ .Values.clusterDomain | quote }}
CROSS_SITE: {{ .Values.entries.crossSite | quote }}
DENIED_HOSTS: {{ include "guildnet.proxy.deniedHosts" . | quote }}
DOMAIN_MODE: {{ .Values.entries.domain.mode | quote }}
DOMAIN_ORIGIN: {{ .Values.entries.domain.origin | quote }}
{{- $drain := include "guildnet.proxy.drain" . | fromYaml }}
DRAIN_DELAY_SECONDS: {{ $drain.delay | quote }}
DRAIN_SECONDS: {{ $drain.grace | quote }}
ENTRIES_CONFIGMAP: {{ include "guildnet.configmap.entries" . | quote }}
FIRST_BYTE_SECONDS: {{ .Values.proxy.firstByteSeconds | quote }}
FRONTEND_ORIGIN: {{ .Values.entries.frontendOrigin | quote }}
HOSTAPP_DISABLE_API_PROXY: {{ .Values.proxy.disableApiProxy | quote }}
IDENTITY_KEY_FILE: /etc/guildnet/keys/identity
{{- with .Values.entries.identityProxy }}
IDENTITY_PROXY_ADMIN_GROUPS: {{ join "," .adminGroups | quote }}
IDENTITY_PROXY_FROM: {{ join "," .from | quote }}
IDENTITY_PROXY_GROUPS_HEADER: {{ .groupsHeader | quote }}
IDENTITY_PROXY_LISTEN: {{ ternary (printf "0.0.0.0:%d" (int .port)) "" .enabled | quote }}
IDENTITY_PROXY_NAMES: {{ join "," .clientNames | quote }}
IDENTITY_PROXY_NAME_HEADER: {{ .nameHeader | quote }}
IDENTITY_PROXY_TLS: {{ ternary "/etc/guildnet/identity-proxy-tls" "" (ne .tlsSecret "") | quote }}
IDENTITY_PROXY_USER_HEADER: {{ .userHeader | quote }}
{{- end }}
LAST_KNOWN_FILE: {{ ternary "/var/cache/guildnet/last-known" "" (gt (.Values.proxy.lastKnownSeconds | int) 0) | quote }}
LAST_KNOWN_SECONDS: {{ .Values.proxy.lastKnownSeconds | int | quote }}
LISTEN_LOCAL: 0.0.0.0:8080
LOCAL_MODE: {{ .Values.entries.local.mode | quote }}
LOCAL_ORIGIN: {{ .Values.entries.local.origin | quote }}
OPS_HOST: {fieldRef: {fieldPath: status.podIP}}
PATH_TRUSTED: {{ .Values.entries.pathTrusted | quote }}
POD_IP: {fieldRef: {fieldPath: status.podIP}}
POD_NETWORKS: {{ join "," .Values.proxy.podNetworks | quote }}
PROCESSES: {{ .Values.proxy.processes | int | quote }}
PROXY_TRANSPORT: {{ .Values.proxy.transport | quote }}
REQUESTS_PER_IDENTITY: {{ .Values.proxy.requestsPerIdentity | int | quote }}
{{- $served := and .Values.tailnet.enabled (eq .Values.tailnet.tls.by "serve") }}
SERVE_FILE: {{ ternary "/run/guildnet/serve/serve.json" "" $served | quote }}
STREAMS_PER_WORKSPACE: {{ .Values.proxy.streamsPerWorkspace | int | quote }}
TAILNET_CERTIFICATE: {{ ternary "/etc/guildnet/tailnet-tls" "" (and .Values.tailnet.enabled (eq .Values.tailnet.tls.by "own")) | quote }}
TAILNET_MODE: {{ .Values.tailnet.mode | quote }}
TAILNET_PORT: {{ .Values.tailnet.tls.port | int | quote }}
TAILNET_SOCKET: {{ ternary "/run/guildnet/tailnet.sock" "" $served | quote }}
TAILNET_TLS: {{ ternary .Values.tailnet.tls.by "serve" .Values.tailnet.enabled | quote }}
TAILSCALED_SOCKET: {{ ternary "/run/guildnet/ts/tailscaled.sock" "" .Values.tailnet.enabled | quote }}
TOKEN_AUDIENCE: {{ .Values.proxy.tokenAudience | quote }}
UI_DEV_ORIGIN: {{ .Values.entries.uiDevOrigin | quote }}
UPGRADES_PER_IDENTITY: {{ .Values.proxy.upgradesPerIdentity | int | quote }}
UPSTREAM_CA_FILE: {{ ternary "/etc/guildnet/upstream/ca.crt" "" (ne .Values.proxy.upstreamCA "") | quote }}
WORKSPACE_KEY_FILE: /etc/guildnet/keys/workspace
{{- end -}}

{{/* An own Redis is never a target. Its host is not known here where its URL is in a Secret of yours. */}}
{{- define "guildnet.proxy.deniedHosts" -}}
{{- $hosts := .Values.proxy.deniedHosts }}
{{- with .Values.redis.url }}{{ $hosts = append $hosts (urlParse .).hostname }}{{ end }}
{{- join "," (uniq $hosts) }}
{{- end -}}

{{/*
How long a proxy that stops serves on. With a tailnet the next pod waits for this one to go, so nothing is gained by
waiting. `pod` is what the kubelet waits for; there is no preStop hook, since the process waits itself after SIGTERM.
*/}}
{{- define "guildnet.proxy.drain" -}}
{{- $drain := .Values.proxy.drain }}
{{- $delay := ternary 0 ($drain.delaySeconds | int) .Values.tailnet.enabled }}
{{- $grace := ternary (min 5 ($drain.graceSeconds | int)) ($drain.graceSeconds | int) .Values.tailnet.enabled }}
delay: {{ $delay }}
grace: {{ $grace }}
pod: {{ add $delay $grace 15 }}
{{- end -}}

{{- define "guildnet.settings.operator" -}}
{{ include "guildnet.settings.common" . }}
{{- $ws := .Values.workspaces }}
{{- with include "guildnet.secret.workspacePassword" . }}
AGENT_DEFAULT_PASSWORD: {{ dict "secretKeyRef" (dict "name" . "key" $ws.defaultPassword.key) | toJson }}
{{- end }}
CERT_MANAGER_ISSUER: {{ $ws.ingress.certManagerIssuer | quote }}
CERT_MANAGER_ISSUERS: {{ join "," $ws.ingress.allowedIssuers | quote }}
CLUSTER_DOMAIN: {{ .Values.clusterDomain | quote }}
DIRECT_EXPOSURE: {{ $ws.directExposure | quote }}
DOMAIN_MODE: {{ .Values.entries.domain.mode | quote }}
DOMAIN_ORIGIN: {{ .Values.entries.domain.origin | quote }}
ENTRIES_CONFIGMAP: {{ include "guildnet.configmap.entries" . | quote }}
HTTP_PROBE_IMAGES: {{ join "," $ws.httpProbeImages | quote }}
INGRESS_AUTH_SIGNIN: {{ $ws.ingress.authSignin | quote }}
INGRESS_AUTH_URL: {{ $ws.ingress.authUrl | quote }}
INGRESS_CLASS_NAME: {{ $ws.ingress.className | quote }}
INGRESS_CLASS_NAMES: {{ join "," $ws.ingress.allowedClasses | quote }}
INGRESS_CONTROLLER_NAMESPACES: {{ join "," $ws.networkPolicy.ingressController.namespaces | quote }}
K8S_IMAGE_PULL_SECRET: {{ $ws.imagePullSecret | quote }}
LEASE_IDENTITY: {{ dict "fieldRef" (dict "fieldPath" "metadata.name") | toJson }}
LEASE_NAME: {{ include "guildnet.fullname" . }}-operator
LEASE_SECONDS: {{ .Values.operator.leaseSeconds | int | quote }}
LOCAL_MODE: {{ .Values.entries.local.mode | quote }}
LOCAL_ORIGIN: {{ .Values.entries.local.origin | quote }}
PORTS_CONFIGMAP: {{ include "guildnet.configmap.ports" . | quote }}
PORT_BASE: {{ $ws.portBase | int | quote }}
RECONCILE_WORKERS: {{ .Values.operator.reconcileWorkers | int | quote }}
TAILNET_MODE: {{ .Values.tailnet.mode | quote }}
TAILNET_PORT: {{ .Values.tailnet.tls.port | int | quote }}
TAILNET_TLS: {{ .Values.tailnet.tls.by | quote }}
TOLERATE_CONTROL_PLANE: {{ $ws.tolerateControlPlane | quote }}
WORKSPACE_CA_CONFIGMAP: {{ ternary (printf "%s-workspace-ca" (include "guildnet.fullname" .)) "" (ne $ws.caBundle "") | quote }}
WORKSPACE_DOMAIN: {{ $ws.ingress.domain | quote }}
WORKSPACE_KEY_FILE: /etc/guildnet/keys/workspace
WORKSPACE_LB: {{ $ws.loadBalancer.enabled | quote }}
WORKSPACE_LB_POOL: {{ $ws.loadBalancer.pool | quote }}
WORKSPACE_POD: {{ include "guildnet.workspace.pod" . | trim | quote }}
WORKSPACE_NETWORK_POLICY: {{ $ws.networkPolicy.enabled | quote }}
WORKSPACE_TLS_SECRET: {{ $ws.ingress.tlsSecret | quote }}
{{- end -}}

{{/* What was set of `workspaces.pod`, as JSON; empty where nothing was. */}}
{{- define "guildnet.workspace.pod" -}}
{{- $set := dict -}}
{{- range $key, $value := .Values.workspaces.pod -}}
{{- if kindIs "bool" $value }}{{ $_ := set $set $key $value }}{{ else if eq $key "resources" -}}
{{- if or $value.requests $value.limits }}{{ $_ := set $set $key $value }}{{ end -}}
{{- else if kindIs "float64" $value }}{{ with int $value }}{{ $_ := set $set $key . }}{{ end -}}
{{- else if $value }}{{ $_ := set $set $key $value }}{{ end -}}
{{- end -}}
{{- with $set }}{{ toJson . }}{{ end -}}
{{- end -}}

{{/* containerboot. No SOCKS5 or HTTP proxy listener, ever: any peer of the tailnet could use it as this node. */}}
{{- define "guildnet.settings.tailnet" -}}
{{- $args := list }}
{{- with .Values.tailnet.loginServer }}{{ $args = append $args (printf "--login-server=%s" .) }}{{ end }}
{{- with .Values.tailnet.tags }}{{ $args = append $args (printf "--advertise-tags=%s" (join "," .)) }}{{ end }}
{{- $args = concat $args .Values.tailnet.extraArgs }}
{{- if .Values.tailnet.caBundle }}
SSL_CERT_DIR: /etc/ssl/certs:/etc/guildnet/ca
{{- end }}
TS_AUTH_ONCE: "true"
{{- with include "guildnet.secret.tailnetAuthKey" . }}
TS_AUTHKEY: {{ dict "secretKeyRef" (dict "name" . "key" "authkey") | toJson }}
{{- end }}
TS_ENABLE_METRICS: {{ .Values.tailnet.metrics | quote }}
TS_EXTRA_ARGS: {{ join " " $args | quote }}
TS_HOSTNAME: {{ .Values.tailnet.hostname | quote }}
TS_KUBE_SECRET: {{ include "guildnet.secret.tailnetState" . | quote }}
TS_LOCAL_ADDR_PORT: 0.0.0.0:9002
{{- if eq .Values.tailnet.tls.by "serve" }}
TS_SERVE_CONFIG: /run/guildnet/serve/serve.json
{{- end }}
TS_SOCKET: /run/guildnet/ts/tailscaled.sock
TS_USERSPACE: "true"
{{- end -}}
