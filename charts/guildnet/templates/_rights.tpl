{{/* The rules of an account in one place, from rights.yaml. Context: root, account, place. */}}
{{- define "guildnet.rules" -}}
{{- $root := .root -}}
{{- $place := .place -}}
{{- $rights := tpl (.root.Files.Get "rights.yaml") .root | fromYaml -}}
{{- range (get $rights.accounts .account).rights }}
{{- if and (eq .place $place) (or (not .when) (and (eq .when "tailnet") $root.Values.tailnet.enabled)) }}
# {{ .why }}
- apiGroups: {{ toJson .groups }}
  resources: {{ toJson .resources }}
  {{- with .names }}
  resourceNames: {{ toJson . }}
  {{- end }}
  verbs: {{ toJson .verbs }}
{{- end }}
{{- end }}
{{- end -}}
