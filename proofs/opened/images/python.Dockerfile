# An app from PyPI, as its own image has it: found in PATH, run as uid 1000, listening where its words tell it to.
ARG BASE
ARG BUILD_BASE
FROM ${BUILD_BASE} AS tools
ARG PIP_CERT
ENV PIP_QUIET=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    UV_NO_CACHE=1 UV_NO_PROGRESS=1 UV_PYTHON_DOWNLOADS=never
COPY requirements/uv.txt /requirements/
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.pem --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -m venv /tools && /tools/bin/pip install --require-hashes -r /requirements/uv.txt

FROM tools AS packages
ARG SSL_CERT_FILE
ARG APP
COPY proofs/opened/images/${APP} /opt/app
RUN --mount=type=secret,id=ca,target=/run/secrets/ca.pem --mount=type=secret,id=uv,target=/etc/uv/uv.toml \
    python3 -m venv --without-pip /opt/venv \
 && /tools/bin/uv pip install --python /opt/venv/bin/python --require-hashes -r /opt/app/requirements.txt

FROM ${BASE}
RUN echo 'workspace:x:1000:1000:Workspace:/home/workspace:/bin/bash' >>/etc/passwd \
 && mkdir -p /home/workspace && chown 1000:1000 /home/workspace
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin HOME=/home/workspace LANG=C.UTF-8 \
    STREAMLIT_BROWSER_GATHER_USAGE_STATS=false
USER 1000:1000
WORKDIR /home/workspace
COPY --from=packages /opt /opt
CMD ["streamlit", "run", "/opt/app/app.py"]
