// The files of an organization. The API has no sum, so the sizes of its artifacts are added up.

import { useEffect, useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { own } from "../../api/own";
import { Problem } from "../../api/problem";
import type { components } from "../../api/schema";
import { Meter } from "../../components/chart";
import { Failure } from "../../components/failure";
import { bytes, number } from "../../components/numbers";
import { SkeletonText } from "../../components/skeleton";
import { organization as texts } from "../../texts";

type Artifact = components["schemas"]["Artifact"];
type Sum = { count: number; bytes: number; byType: ReadonlyMap<string, number>; isAll: boolean };

const PAGE = 100;
/** More artifacts are not counted: the page says so. */
const MAX_PAGES = 20;
const NOTHING: Sum = { count: 0, bytes: 0, byType: new Map(), isAll: false };

const add = (sum: Sum, artifacts: readonly Artifact[], isAll: boolean): Sum => {
    const byType = new Map(sum.byType);
    for (const { mediaType, byteSize } of artifacts) byType.set(mediaType, (byType.get(mediaType) ?? 0) + byteSize);
    const size = artifacts.reduce((total, { byteSize }) => total + byteSize, sum.bytes);
    return { count: sum.count + artifacts.length, bytes: size, byType, isAll };
};

const load = async (organizationId: string, signal: AbortSignal): Promise<Sum> => {
    let sum = NOTHING;
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES && !sum.isAll; page++) {
        const params = { path: { organizationId }, query: { limit: PAGE, cursor } };
        const { body } = await call(api.GET("/v1/organizations/{organizationId}/artifacts", { params, signal }));
        cursor = body.meta.nextCursor ?? undefined;
        sum = add(sum, body.data, cursor === undefined);
    }
    return sum;
};

export const Storage = ({ organizationId }: { organizationId: string }) => {
    const [sum, setSum] = useState<Sum | null>(null);
    const [problem, setProblem] = useState<Problem | null>(null);
    const [tries, setTries] = useState(0);
    useEffect(() => {
        const control = new AbortController();
        setProblem(null);
        load(organizationId, control.signal)
            .then(setSum)
            .catch((error: unknown) => control.signal.aborted || setProblem(Problem.from(error)));
        return () => control.abort();
    }, [organizationId, tries]);

    if (problem) return <Failure problem={problem} retry={() => setTries(tries + 1)} />;
    if (sum === null) return <SkeletonText />;
    if (sum.count === 0) return <p class="soft">{texts.noFiles}</p>;
    const types = [...sum.byType].sort(([, a], [, b]) => b - a);
    const size = bytes(sum.bytes);
    return (
        <>
            <p class="figure">{sum.isAll ? size : texts.atLeast(size)}</p>
            <p class="soft small">{texts.artifacts(number(sum.count), sum.isAll)}</p>
            <ul class="shares">
                {types.map(([type, value]) => (
                    <li key={type}>
                        <span class="grow">{own(texts.mediaTypes, type) ?? type}</span>
                        <span class="number">{bytes(value)}</span>
                        <Meter label={own(texts.mediaTypes, type) ?? type} value={value} max={sum.bytes} />
                    </li>
                ))}
            </ul>
        </>
    );
};
