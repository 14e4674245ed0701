{{/*
The Tailscale sidecar, as init containers: first the directories it needs, then itself as a native sidecar, which the
kubelet stops after the proxy; so clients see their connections end instead of hanging. It has no startup or readiness
probe: a tailnet that is down must not keep the other entries down.
*/}}

{{/* fsGroup makes the volume's directories setgid; the sidecar (uid 0 without capabilities) passes by the group alone. */}}
{{- define "guildnet.tailnet.initContainers" -}}
- name: serve-file
  {{- include "guildnet.imageAndPolicy" (dict "root" .root "image" .root.Values.proxy.image) | nindent 2 }}
  command:
    - python3
    - -c
    - |
      import os, pathlib
      run = pathlib.Path("/run/guildnet")
      for name in ("serve", "ts"):
          (run / name).mkdir(exist_ok=True)
          os.chmod(run / name, 0o2770)
      serve = run / "serve" / "serve.json"
      if not serve.exists():
          serve.with_suffix(".new").write_text("{}")
          serve.with_suffix(".new").rename(serve)
  resources:
    {{- toYaml .root.Values.proxy.resources | nindent 4 }}
  securityContext:
    {{- include "guildnet.container.securityContext" . | nindent 4 }}
  volumeMounts:
    - {name: run, mountPath: /run/guildnet}
- name: tailscale
  {{- include "guildnet.imageAndPolicy" (dict "root" .root "image" .root.Values.tailnet.image) | nindent 2 }}
  restartPolicy: Always
  command:
    {{- toYaml .root.Values.tailnet.command | nindent 4 }}
  env:
    {{- $settings := include "guildnet.settings.tailnet" .root | fromYaml }}
    {{- include "guildnet.env" (dict "settings" $settings "extra" .root.Values.tailnet.extraEnv) | trim | nindent 4 }}
  {{- if .root.Values.tailnet.metrics }}
  ports:
    - {name: ts-metrics, containerPort: 9002, protocol: TCP}
  {{- end }}
  resources:
    {{- toYaml .root.Values.tailnet.resources | nindent 4 }}
  # Serving to a unix socket is refused to anyone but root; it holds no capability, though, and cannot gain any.
  securityContext:
    runAsNonRoot: false
    runAsUser: 0
    runAsGroup: 0
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: {drop: [ALL]}
  volumeMounts:
    - {name: run, mountPath: /run/guildnet}
    - {name: tailscale-tmp, mountPath: /tmp}
    {{- if .root.Values.tailnet.caBundle }}
    - {name: tailnet-ca, mountPath: /etc/guildnet/ca, readOnly: true}
    {{- end }}
{{- end -}}

{{- define "guildnet.tailnet.volumes" -}}
- name: run
  emptyDir: {medium: Memory, sizeLimit: 16Mi}
# On disk: tailscaled buffers its logs there while their server is out of reach.
- name: tailscale-tmp
  emptyDir: {sizeLimit: 256Mi}
{{- if eq .Values.tailnet.tls.by "own" }}
- name: tailnet-tls
  secret:
    secretName: {{ .Values.tailnet.tls.secret }}
    defaultMode: 0440
{{- end }}
{{- if .Values.tailnet.caBundle }}
- name: tailnet-ca
  configMap:
    name: {{ include "guildnet.fullname" . }}-tailnet-ca
{{- end }}
{{- end -}}
