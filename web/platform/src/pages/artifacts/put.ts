// Sends a file to storage. `fetch` cannot tell how much of it is sent.

import { Problem } from "../../api/problem";
import type { components } from "../../api/schema";

type UploadRequest = components["schemas"]["ArtifactUpload"];

/** A connection that moves nothing for so long is given up. */
const STALLED = 60_000;

/** Returns the status of the answer. Throws a `Problem` if there is no answer. */
export const put = (
    { method, url, headers }: UploadRequest,
    file: Blob,
    onProgress: (sent: number) => void,
    signal: AbortSignal,
): Promise<number> =>
    new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        const fail = (name: string) => reject(Problem.from(new DOMException("", name)));
        let timer = 0;
        const wait = () => {
            clearTimeout(timer);
            timer = window.setTimeout(() => {
                fail("TimeoutError");
                request.abort();
            }, STALLED);
        };
        request.open(method, url);
        for (const [name, value] of Object.entries(headers)) {
            // The browser sets it, and does not let a page do so.
            if (name !== "content-length") request.setRequestHeader(name, value);
        }
        request.upload.onprogress = ({ loaded }) => {
            wait();
            onProgress(loaded);
        };
        request.onload = () => resolve(request.status);
        request.onerror = () => fail("NetworkError");
        request.onabort = () => fail("AbortError");
        request.onloadend = () => clearTimeout(timer);
        signal.addEventListener("abort", () => request.abort(), { once: true });
        wait();
        request.send(file);
    });
