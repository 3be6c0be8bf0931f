# syntax=docker/dockerfile:1

# Debian's glibc, because sharp's prebuilt libvips is fastest there. Keep the major in step with package.json.
FROM node:24-bookworm-slim AS base
WORKDIR /app
ENV NODE_ENV=production

# Dependencies of the running gateway only: no dev dependency ever reaches an image.
FROM base AS dependencies
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/var/cache/npm npm ci --omit=dev --cache /var/cache/npm

FROM base AS runtime
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
COPY providers ./providers

# The emulated providers, for the compose profile "demo". The font is for the text in their pictures.
FROM runtime AS emulators
RUN apt-get update \
  && apt-get install --yes --no-install-recommends fontconfig fonts-dejavu-core \
  && rm -rf /var/lib/apt/lists/*
COPY test/emulators ./test/emulators
USER node
ENV HOST=0.0.0.0
EXPOSE 8101 8102 8103 8104
CMD ["node", "test/emulators/main.ts"]

# The gateway: the last stage, and so the default one.
FROM runtime AS gateway
# glibc's malloc keeps what conversions of pictures free: see LD_PRELOAD.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends libjemalloc2 \
  && rm -rf /var/lib/apt/lists/*
RUN mkdir --mode=0700 /data && mkdir .compile-cache && chown node:node /data .compile-cache
USER node
# What Node makes of the sources is kept in the image, for this user: a start takes two thirds of the time.
ENV NODE_COMPILE_CACHE=/app/.compile-cache
RUN node -e "import('/app/src/start-gateway.ts')"
# No --max-old-space-size: Node takes half of the container's memory for its heap by itself, and pictures lie beside it.
# LD_PRELOAD: in a container of 1,536 MiB of which far more is asked than fits (`npm run bench -- memory-container`), jemalloc
# takes 1,464 MB at most and 676 are left 5 s later; glibc's malloc takes 1,598, and 1,497 stay.
# UV_THREADPOOL_SIZE: names that nobody resolves take half of the threads and pictures up to 3. With 4 threads a file was
# then waited for 7 s, with 8 a tenth of a second.
ENV HOST=0.0.0.0 \
  PORT=8080 \
  MEDIA_DIR=/data/media \
  LD_PRELOAD=libjemalloc.so.2 \
  UV_THREADPOOL_SIZE=8
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`).then(({ok}) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node runs as process 1 and ends on SIGTERM by itself, after the requests in flight.
STOPSIGNAL SIGTERM
CMD ["node", "src/main.ts"]
