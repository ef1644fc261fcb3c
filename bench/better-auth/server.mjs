// better-auth behind Node's own HTTP server, on a port that it prints. `node server.mjs migrate` creates its tables instead.
//
// DATABASE_URL   the database
// ARGON2         memory in KiB, passes and lanes, for example 19456,2,1; without it, passwords are hashed as better-auth does by default

import { createServer } from "node:http";
import { hash, verify } from "@node-rs/argon2";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import pg from "pg";

const argon2 = (parameters) => {
  const [memoryCost, timeCost, parallelism] = parameters.split(",").map(Number);
  // 2 is argon2id: the package has a name for it in TypeScript only.
  const options = { algorithm: 2, memoryCost, timeCost, parallelism, outputLen: 32 };
  return {
    hash: (password) => hash(password, options),
    verify: ({ hash, password }) => verify(hash, password, options),
  };
};

const options = {
  baseURL: process.env.BASE_URL,
  secret: "a secret of the bench, not of a deployment",
  // Open connections are kept, as they are by an instance in use.
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10, idleTimeoutMillis: 0 }),
  emailAndPassword: {
    enabled: true,
    password: process.env.ARGON2 ? argon2(process.env.ARGON2) : undefined,
  },
  // Each session check asks the database, as by default.
  session: { cookieCache: { enabled: false } },
  // Its counters are in memory by default, so they would cost nothing, but refuse the load of a bench.
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: "error" },
};

if (process.argv[2] === "migrate") {
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
  await options.database.end();
} else {
  const server = createServer({ keepAliveTimeout: 0 }, toNodeHandler(betterAuth(options)));
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
}
