# An app from Debian: the files of its packages and of what they need, without what their maintainers' scripts would do.
# ALONE are packages of which only the files are wanted. The newer release is asked for what its own does not have.
ARG BASE
ARG BUILD_BASE
FROM ${BUILD_BASE} AS packages
ARG APP
ARG PACKAGES
ARG ALONE
ARG NEWER
ENV DEBIAN_FRONTEND=noninteractive
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.pem \
    --mount=type=secret,id=apt,target=/etc/apt/apt.conf.d/90host \
    if [ -n "$NEWER" ]; then \
      # A mirror of the unstable release may be older than its signature is to be trusted for.
      echo 'Acquire::Check-Valid-Until "false";' >/etc/apt/apt.conf.d/91newer; \
      printf 'Package: *\nPin: release n=%s\nPin-Priority: 100\n' "$NEWER" >/etc/apt/preferences.d/newer; \
      sed -n "s/^\(deb .*\) trixie main.*/\1 $NEWER main/p" /etc/apt/sources.list >/etc/apt/sources.list.d/newer.list; fi \
 && apt-get -q update && mkdir -p /debs /made && cd /debs \
 && apt-get -q install -y --no-install-recommends --download-only -o Dir::Cache::Archives=/debs $PACKAGES \
 && if [ -n "$ALONE" ]; then apt-get -q download $ALONE; fi \
 && for file in *.deb; do dpkg-deb -x "$file" /made; done \
 && rm -rf /made/usr/share/man /made/usr/share/locale /made/usr/share/doc/*/examples \
      /made/usr/lib/*/libLLVM* /made/usr/lib/*/libgallium*
COPY proofs/opened/images/${APP}/start /made/usr/bin/start

FROM ${BASE}
RUN echo 'workspace:x:1000:1000:Workspace:/home/workspace:/bin/bash' >>/etc/passwd \
 && mkdir -p /home/workspace && chown 1000:1000 /home/workspace
ENV HOME=/home/workspace SHELL=/bin/bash LANG=C.UTF-8
USER 1000:1000
WORKDIR /home/workspace
COPY --from=packages /made/ /
ENTRYPOINT ["start"]
