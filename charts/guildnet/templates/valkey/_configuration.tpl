{{/* In memory alone: nothing is written to disk, and when memory is short the oldest go. Context: root, password. */}}
{{- define "guildnet.valkey.configuration" -}}
port 6379
bind * -::*
requirepass {{ .password }}
dir /tmp
save ""
appendonly no
maxmemory {{ .root.Values.valkey.maxMemory }}
maxmemory-policy allkeys-lru
{{- end -}}
