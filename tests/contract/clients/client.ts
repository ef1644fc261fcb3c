// Signs up and reads the profile, with the types that openapi-typescript made of openapi.json.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

declare const process: { argv: string[] };

// Clients need these by name: an envelope refers to what it holds.
type Schemas = components["schemas"];
export type Held = [Schemas["User"], Schemas["Organization"], Schemas["Problem"]];
const profile = (data: Schemas["Data_Profile"]): Schemas["Profile"] => data.data;

const [baseUrl, email, password] = process.argv.slice(2) as [string, string, string];
const api = createClient<paths>({ baseUrl });

const registered = await api.POST("/v1/auth/register", { body: { name: "Ada Lovelace", email, password } });
if (registered.error) throw new Error(registered.error.detail);

const headers = { Authorization: `Bearer ${registered.data.data.accessToken}` };
const me = await api.GET("/v1/auth/me", { headers });
if (me.error) throw new Error(me.error.detail);
console.log(profile(me.data).email);
