# The queue process: `python -m worker`. Build from the root of the repository.
# PIP_OPTIONS are further options of pip, such as the --extra-index-url that has PyTorch's smaller builds without CUDA.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
ARG PIP_OPTIONS=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY metagauge metagauge
# hadolint ignore=SC2086
RUN /opt/venv/bin/pip install ${PIP_OPTIONS} '.[worker]'

FROM python:${PYTHON}-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin metagauge \
    && install -d -o metagauge -g metagauge -m 0700 /state /scratch
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv
COPY worker worker
COPY models models
COPY docker/healthy_worker.py docker/healthy_worker.py
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    METAGAUGE_STATE_DIR=/state \
    TMPDIR=/scratch
USER 10001:10001
VOLUME ["/state", "/scratch"]
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s CMD ["python", "docker/healthy_worker.py"]
CMD ["python", "-m", "worker"]
