{{/* The rules of an account in one place, from rights.yaml. Context: root, account, place. */}}
{{- define "guildnet.rules" -}}
{{- $root := .root -}}
{{- $place := .place -}}
{{- $rights := tpl (.root.Files.Get "rights.yaml") .root | fromYaml -}}
{{- range (get $rights.accounts .account).rights }}
{{- $when := dict "tailnet" $root.Values.tailnet.enabled "api-server" (eq $root.Values.proxy.transport "api-server") }}
{{- if and (eq .place $place) (or (not .when) (get $when .when)) }}
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
