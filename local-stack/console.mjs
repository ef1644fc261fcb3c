// Serves the console as its distribution in AWS does. console.rs reads headers and `pages` from infra/edge/site.yaml.
//
// Argument: settings as JSON. `pages` is the distribution's function, which turns the path of a page into that of a file.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { runInNewContext } from "node:vm";
import { gzip } from "node:zlib";

const { host, port, files, pages, headers, config } = JSON.parse(process.argv[2]);
const handler = runInNewContext(`${pages}; handler`);

const TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
};
// As infra/console.sh uploads them.
const CACHING = { static: "public, max-age=31536000, immutable", other: "no-cache" };
// The answer of S3 to a file that is not there.
const MISSING = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>';
// CloudFront compresses no smaller files.
const COMPRESSED = 1000;

// The path is that of a URL: it begins with a slash, and leads nowhere else.
const read = async (path) => (path === "/config.json" ? Buffer.from(JSON.stringify(config)) : readFile(join(files, path)));

const answer = async (request, response) => {
    const path = handler({ request: { uri: new URL(request.url, "http://localhost").pathname } }).uri;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const content = ["GET", "HEAD"].includes(request.method) && (await read(path).catch(() => undefined));
    if (!content) return response.writeHead(403, { "content-type": "application/xml" }).end(MISSING);

    const type = TYPES[extname(path)];
    response.setHeader("content-type", type ?? "binary/octet-stream");
    response.setHeader("cache-control", path.startsWith("/static/") ? CACHING.static : CACHING.other);
    if (!type || content.length < COMPRESSED) return response.end(content);
    response.setHeader("vary", "accept-encoding");
    if (!request.headers["accept-encoding"]?.includes("gzip")) return response.end(content);
    response.setHeader("content-encoding", "gzip").end(await promisify(gzip)(content));
};

createServer((request, response) => {
    answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
}).listen(port, host);
