"""What the peers of Debian are configured with: forwarding, kept connections to the upstream, no log."""

from __future__ import annotations

from typing import Final

NGINX_MAIN: Final = """\
# One process to account for, and to end.
master_process off;
worker_rlimit_nofile 16384;"""
NGINX_HTTP: Final = """\
  upstream workspace {{
    server 127.0.0.1:{upstream_port};
    keepalive 64;
    keepalive_requests 1000000000;
  }}
  map $http_upgrade $connection_header {{ default upgrade; "" ""; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    client_max_body_size 0;
    proxy_http_version 1.1;
    proxy_read_timeout 600s;
    proxy_set_header Connection $connection_header;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $http_host;
    location / {{ proxy_pass http://workspace; }}
    # Bodies of megabytes are passed on, not written to files: to nginx's advantage.
    location /bulk/ {{
      proxy_pass http://workspace;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
    }}
  }}"""
HAPROXY: Final = """\
global
  maxconn 8000
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout tunnel 600s
  option http-keep-alive
  http-reuse always
  option forwardfor
frontend bench
  bind 127.0.0.1:{port} backlog 4096
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  default_backend workspace
backend workspace
  server one 127.0.0.1:{upstream_port} pool-max-conn 512
"""
CADDY: Final = """\
{{
  admin off
  auto_https off
  grace_period 1s
  log {{
    level ERROR
  }}
}}
http://:{port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{upstream_port} {{
    flush_interval -1
    transport http {{
      keepalive_idle_conns_per_host 512
      compression off
    }}
  }}
}}
"""
