// Identity providers for developers and tests: a certified one (npm `oidc-provider`), and one that speaks as GitHub does, below /github.
//
// Arguments: the port, and the address of the API to which browsers are sent back.
import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import Provider, { interactionPolicy } from "oidc-provider";

const [port, api] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const clientId = "arches";
const clientSecret = "local";

// Who can sign in. The provider vouches for the address of Ada only.
const personas = {
    ada: { id: 1815, name: "Ada Lovelace", email: "ada@providers.example", email_verified: true },
    grace: { id: 1906, name: "Grace Hopper", email: "grace@providers.example", email_verified: false },
};

// A test makes a person of its own: the name of the persona is the first part of the address.
const find = (id) =>
    personas[id] ?? {
        id: Number.parseInt(createHash("sha256").update(id).digest("hex").slice(0, 12), 16),
        name: "Test Person",
        email: `${id}@providers.example`,
        email_verified: true,
    };

const page = (title, action, fields) => `<!doctype html><title>${title}</title><h1>${title}</h1>
${Object.entries(personas)
    .map(
        ([id, { name, email }]) => `<form method="post" action="${action}">${fields}
<button name="persona" value="${id}">${name}, ${email}</button></form>`,
    )
    .join("\n")}
<form method="post" action="${action}">${fields}<button name="persona" value="">Cancel</button></form>`;

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const hidden = (values) =>
    [...values].map(([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`).join("");

const body = async (request) => {
    let text = "";
    for await (const piece of request) text += piece;
    return new URLSearchParams(text);
};

const answer = (response, status, content, headers = {}) => {
    const isJson = typeof content === "object";
    response.writeHead(status, { "content-type": isJson ? "application/json" : "text/html; charset=utf-8", ...headers });
    response.end(isJson ? JSON.stringify(content) : content);
};

// Asks at every sign-in which persona it is.
const { Check, base } = interactionPolicy;
const policy = base();
policy
    .get("login")
    .checks.add(
        new Check("persona", "a persona must be chosen", "login_required", (ctx) =>
            ctx.oidc.result?.login ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT,
        ),
    );

const provider = new Provider(issuer, {
    clients: [
        {
            client_id: clientId,
            client_secret: clientSecret,
            redirect_uris: ["google", "acme"].map((name) => `${api}/v1/auth/oauth/${name}/callback`),
        },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: false,
    cookies: { keys: [randomUUID()] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_, accountId) => {
        const { id: _id, ...claims } = find(accountId);
        return { accountId, claims: () => ({ sub: accountId, ...claims }) };
    },
    interactions: { policy, url: (_, { uid }) => `/interaction/${uid}` },
    async loadExistingGrant(ctx) {
        const { client, session, provider } = ctx.oidc;
        const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
        grant.addOIDCScope("openid email profile");
        await grant.save();
        return grant;
    },
    pkce: { required: () => true },
});

const interact = async (request, response) => {
    if (request.method === "GET") {
        await provider.interactionDetails(request, response);
        return answer(response, 200, page("Acme: choose who you are", request.url, ""));
    }
    const accountId = (await body(request)).get("persona");
    const cancelled = { error: "access_denied", error_description: "The user said no." };
    const result = accountId ? { login: { accountId } } : cancelled;
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
};

// GitHub's OAuth (docs.github.com, "Authorizing OAuth apps") and the two calls of its API.
const codes = new Map();
const tokens = new Map();
const github = async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, issuer);
    const given = request.method === "POST" ? await body(request) : searchParams;
    switch (`${request.method} ${pathname}`) {
        case "GET /github/login/oauth/authorize": {
            const known = given.get("client_id") === clientId;
            const form = page("GitHub: choose who you are", "/github/choose", hidden(given));
            return answer(response, known ? 200 : 404, known ? form : "Not Found");
        }
        case "POST /github/choose": {
            const back = new URL(given.get("redirect_uri"));
            if (back.origin !== new URL(api).origin) return answer(response, 400, "redirect_uri");
            back.searchParams.set("state", given.get("state"));
            back.searchParams.set("iss", `${issuer}/github/login/oauth`);
            if (given.get("persona")) {
                const code = randomUUID();
                codes.set(code, { persona: given.get("persona"), challenge: given.get("code_challenge") });
                back.searchParams.set("code", code);
            } else {
                back.searchParams.set("error", "access_denied");
            }
            return answer(response, 303, "", { location: back.href });
        }
        case "POST /github/login/oauth/access_token": {
            const made = codes.get(given.get("code"));
            codes.delete(given.get("code"));
            const challenge = createHash("sha256").update(given.get("code_verifier") ?? "").digest("base64url");
            // GitHub reports errors with status 200.
            if (given.get("client_secret") !== clientSecret) return answer(response, 200, { error: "incorrect_client_credentials" });
            if (made?.challenge !== challenge) return answer(response, 200, { error: "bad_verification_code" });
            const access_token = `gho_${randomUUID()}`;
            tokens.set(`Bearer ${access_token}`, made.persona);
            return answer(response, 200, { access_token, token_type: "bearer", scope: "read:user,user:email" });
        }
        case "GET /github/api/user":
        case "GET /github/api/user/emails": {
            const login = tokens.get(request.headers.authorization);
            if (!login) return answer(response, 401, { message: "Bad credentials" });
            const { id, name, email, email_verified } = find(login);
            const emails = [
                { email: "old@providers.example", primary: false, verified: false },
                { email, primary: true, verified: email_verified },
            ];
            return answer(response, 200, pathname.endsWith("emails") ? emails : { id, login, name });
        }
    }
    return answer(response, 404, { message: "Not Found" });
};

const serve = provider.callback();
createServer((request, response) => {
    const handle = request.url.startsWith("/github/") ? github : request.url.startsWith("/interaction/") ? interact : serve;
    Promise.resolve(handle(request, response)).catch((error) => answer(response, 500, String(error)));
}).listen(Number(port), "127.0.0.1");
