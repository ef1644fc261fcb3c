import assert from "node:assert/strict";
import { test } from "node:test";
import { listOf } from "../src/api/pages.js";

type Cursor = { cursor?: string | undefined };

/** A list of the pages [1], [2], … Its answers wait until they are let go. */
const listOfPages = () => {
    const waiting: { page: number; answer: () => void; fail: () => void }[] = [];
    const [list] = listOf(({ cursor }: Cursor, signal) => {
        const page = Number(cursor ?? 1);
        return new Promise<{ body: { data: number[]; meta: { nextCursor: string } }; etag: null; status: number }>(
            (resolve, reject) => {
                const body = { data: [page], meta: { nextCursor: String(page + 1) } };
                signal.addEventListener("abort", () => reject(signal.reason));
                waiting.push({ page, answer: () => resolve({ body, etag: null, status: 200 }), fail: reject });
            },
        );
    });
    /** Waits for the next request. */
    const asked = async () => {
        await new Promise(setImmediate);
        const [request] = waiting.splice(0);
        assert.ok(request);
        return request;
    };
    return { list, asked, isWaiting: () => waiting.length > 0 };
};

test("another page waits for the first page to load again", async () => {
    const { list, asked, isWaiting } = listOfPages();
    const reload = list.reload();
    const first = await asked();
    const more = list.loadMore();
    await new Promise(setImmediate);
    assert.equal(isWaiting(), false);
    first.answer();
    const second = await asked();
    assert.equal(second.page, 2);
    second.answer();
    await Promise.all([reload, more]);
    assert.deepEqual(list.items.value, [1, 2]);
    assert.equal(list.isLoadingMore.value, false);
});

test("what failed is done again", async () => {
    const { list, asked } = listOfPages();
    const reload = list.reload();
    (await asked()).fail();
    await reload;
    assert.equal(list.state.value, "failed");

    const again = list.retry();
    const first = await asked();
    assert.equal(first.page, 1);
    first.answer();
    await again;

    const more = list.loadMore();
    (await asked()).fail();
    await more;
    assert.equal(list.state.value, "failed");
    assert.deepEqual(list.items.value, [1]);

    const moreAgain = list.retry();
    const second = await asked();
    assert.equal(second.page, 2);
    second.answer();
    await moreAgain;
    assert.deepEqual(list.items.value, [1, 2]);
    assert.equal(list.state.value, "ready");
});
