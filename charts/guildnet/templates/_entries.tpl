{{/* The name in the domain entry's origin, without scheme and port; empty when there is no such entry. */}}
{{- define "guildnet.domain.host" -}}
{{- with .Values.entries.domain.origin -}}
{{ (urlParse .).host | splitList ":" | first }}
{{- end -}}
{{- end -}}

{{/* Names the front door answers to under the domain, as a YAML list. */}}
{{- define "guildnet.domain.hosts" -}}
{{- $host := include "guildnet.domain.host" . -}}
- {{ $host | quote }}
{{- if eq .Values.entries.domain.mode "host" }}
- {{ printf "*.%s" $host | quote }}
{{- end }}
{{- end -}}
