# The API process: `python -m app` on port 8000. Build from the root of the repository.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY metagauge metagauge
RUN /opt/venv/bin/pip install '.[api]'

FROM python:${PYTHON}-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin metagauge \
    && install -d -o metagauge -g metagauge -m 0700 /state
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv
COPY app app
COPY models/pretrained models/pretrained
COPY docker/healthy_api.py docker/healthy_api.py
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    METAGAUGE_HOST=0.0.0.0 \
    METAGAUGE_STATE_DIR=/state
USER 10001:10001
EXPOSE 8000
VOLUME /state
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "docker/healthy_api.py"]
CMD ["python", "-m", "app"]
