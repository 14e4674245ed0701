{{/* Names of objects. Every one is here, so that a reader finds who shares what with whom. */}}

{{- define "guildnet.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end -}}

{{/* Cut so that the longest suffix (-tailnet-state) stays within a DNS label. */}}
{{- define "guildnet.fullname" -}}
{{- $name := include "guildnet.name" . -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 45 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 45 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 45 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "guildnet.installName" -}}
{{ default (include "guildnet.fullname" .) .Values.installName }}
{{- end -}}

{{/* Cluster-scoped names carry the namespace: two installs may share a release name. */}}
{{- define "guildnet.clusterName" -}}
{{ printf "%s:%s" .Release.Namespace (include "guildnet.fullname" .) }}
{{- end -}}

{{- define "guildnet.secret.identity" -}}
{{ default (printf "%s-keys" (include "guildnet.fullname" .)) .Values.identity.existingSecret }}
{{- end -}}

{{- define "guildnet.secret.tailnetState" -}}
{{ include "guildnet.fullname" . }}-tailnet-state
{{- end -}}

{{/* Empty when there is no auth key at all. */}}
{{- define "guildnet.secret.tailnetAuthKey" -}}
{{- with .Values.tailnet.authKey -}}
{{- if .existingSecret -}}{{ .existingSecret }}{{- else if .value -}}{{ include "guildnet.fullname" $ }}-tailnet-authkey{{- end -}}
{{- end -}}
{{- end -}}

{{- define "guildnet.secret.redis" -}}
{{ include "guildnet.fullname" . }}-redis
{{- end -}}

{{- define "guildnet.secret.valkey" -}}
{{ default (printf "%s-valkey" (include "guildnet.fullname" .)) .Values.valkey.existingSecret }}
{{- end -}}

{{- define "guildnet.secret.workspacePassword" -}}
{{- with .Values.workspaces.defaultPassword -}}
{{- if .existingSecret -}}{{ .existingSecret }}{{- else if .value -}}{{ include "guildnet.fullname" $ }}-workspace-password{{- end -}}
{{- end -}}
{{- end -}}

{{- define "guildnet.configmap.entries" -}}
{{ include "guildnet.fullname" . }}-entries
{{- end -}}

{{- define "guildnet.configmap.ports" -}}
{{ include "guildnet.fullname" . }}-ports
{{- end -}}

{{/* ServiceAccount of a component. Context: dict "root" $ "component" "api" "values" .Values.api. */}}
{{- define "guildnet.serviceAccount" -}}
{{ default (printf "%s-%s" (include "guildnet.fullname" .root) .component) .values.serviceAccount.name }}
{{- end -}}
