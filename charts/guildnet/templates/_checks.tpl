{{/* Combinations that the schema cannot refuse, each with the way out. Included once, by the api's Deployment. */}}
{{- define "guildnet.checks" -}}
{{- if eq .Values.workspaces.namespace .Release.Namespace -}}
{{- fail (printf "workspaces.namespace is the release namespace %q: workspaces need a namespace of their own, because whoever can create a Deployment there can read its Secrets" .Release.Namespace) -}}
{{- end -}}
{{- if and (eq .Values.proxy.transport "api-server") .Values.proxy.disableApiProxy -}}
{{- fail "proxy.transport: api-server is what proxy.disableApiProxy is against: set it to false" -}}
{{- end -}}
{{- if not (or .Values.tailnet.enabled .Values.entries.local.origin .Values.entries.domain.origin) -}}
{{- fail "there is no way in: set tailnet.enabled, entries.local.origin or entries.domain.origin" -}}
{{- end -}}
{{- if and .Values.tailnet.enabled (gt (int .Values.proxy.replicas) 1) -}}
{{- fail "proxy.replicas is above 1 with tailnet.enabled: a tailnet node's key belongs to one process; set proxy.replicas: 1" -}}
{{- end -}}
{{- with .Values.tailnet -}}
{{- if and .enabled (eq .tls.by "own") (not .tls.secret) -}}
{{- fail "tailnet.tls.by: own without a certificate: set tailnet.tls.secret, of type kubernetes.io/tls" -}}
{{- end -}}
{{- if and .enabled (ne .tls.by "serve") (has (int .tls.port) (list 8080 (int $.Values.opsPort))) -}}
{{- fail (printf "tailnet.tls.port %d is a port of the proxy's own: set another, such as 8443" (int .tls.port)) -}}
{{- end -}}
{{- end -}}
{{- if and (or .Values.api.autoscaling.enabled (gt (int .Values.api.replicas) 1)) (eq (include "guildnet.redis.source" . | trim) "\"\"") -}}
{{- fail "api.replicas is above 1, or api.autoscaling enabled, without Redis: log lines could not be shared; set valkey.enabled: true, redis.url or redis.existingSecret" -}}
{{- end -}}
{{- with .Values.api.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "api.autoscaling.minReplicas is %d and maxReplicas %d: the least is above the most" (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.valkey.enabled (or .Values.redis.url .Values.redis.existingSecret) -}}
{{- fail "redis.url or redis.existingSecret is set, so the chart's own Valkey would stand unused: set valkey.enabled: false" -}}
{{- end -}}
{{- $workspaceDomain := .Values.workspaces.ingress.domain -}}
{{- range $name, $entry := dict "local" .Values.entries.local "domain" .Values.entries.domain -}}
{{- if and $entry.origin (eq $workspaceDomain (urlParse $entry.origin).hostname) -}}
{{- fail (printf "workspaces.ingress.domain %q is the host of entries.%s.origin: an Ingress of one workspace could be the origin of another; set workspaces.ingress.domain to another name, such as apps.%s" $workspaceDomain $name $workspaceDomain) -}}
{{- end -}}
{{- end -}}
{{- with .Values.entries.identityProxy -}}
{{- if and .enabled (not .from) (not .tlsSecret) -}}
{{- fail "entries.identityProxy.enabled without from or tlsSecret: anybody could say who they are; set one of them" -}}
{{- end -}}
{{- if and .enabled .clientNames (not .tlsSecret) -}}
{{- fail "entries.identityProxy.clientNames are of certificates: set entries.identityProxy.tlsSecret" -}}
{{- end -}}
{{- if and .enabled (has (int .port) (list 8080 (int $.Values.opsPort))) -}}
{{- fail (printf "entries.identityProxy.port %d is a port of the proxy's own: set another, such as 8082" (int .port)) -}}
{{- end -}}
{{- if and .enabled (not $.Values.entries.domain.origin) (not $.Values.entries.local.origin) -}}
{{- fail "entries.identityProxy.enabled without the entry that it is for: set entries.domain.origin" -}}
{{- end -}}
{{- end -}}
{{- with .Values.entries.domain -}}
{{- if and (not .origin) (or .ingress.enabled .httpRoute.enabled) -}}
{{- fail "entries.domain.ingress or .httpRoute is enabled without a name: set entries.domain.origin, such as https://guildnet.example.com" -}}
{{- end -}}
{{- if and .httpRoute.enabled (not .httpRoute.parentRefs) -}}
{{- fail "entries.domain.httpRoute is enabled without a Gateway: set entries.domain.httpRoute.parentRefs" -}}
{{- end -}}
{{- end -}}
{{- end -}}
