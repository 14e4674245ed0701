{{/* Reference of an image. Context: dict "root" $ "image" {registry, repository, tag, digest}. */}}
{{- define "guildnet.image" -}}
{{- $registry := .image.registry | default .root.Values.image.registry -}}
{{- $name := ternary (printf "%s/%s" $registry .image.repository) .image.repository (ne $registry "") -}}
{{- if .image.digest -}}
{{ $name }}@{{ .image.digest }}
{{- else -}}
{{ $name }}:{{ .image.tag | default .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "guildnet.imageAndPolicy" -}}
image: {{ include "guildnet.image" . | quote }}
imagePullPolicy: {{ .image.pullPolicy | default .root.Values.image.pullPolicy }}
{{- end -}}

{{/* The presets as JSON, each `image` resolved to a reference. */}}
{{- define "guildnet.presets" -}}
{{- $presets := list -}}
{{- range .Values.presets -}}
{{- $image := .image -}}
{{- if kindIs "map" .image -}}
{{- $image = include "guildnet.image" (dict "root" $ "image" .image) -}}
{{- end -}}
{{- $presets = append $presets (merge (dict "image" $image) (omit . "image")) -}}
{{- end -}}
{{ $presets | toPrettyJson }}
{{- end -}}
