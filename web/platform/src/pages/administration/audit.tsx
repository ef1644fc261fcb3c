import { useState } from "preact/hooks";
import { api, call } from "../../api/client";
import { Problem } from "../../api/problem";
import { AuditEvents } from "../../components/audit-events";
import { administration as texts } from "../../texts";
import { Frame, isForOthers } from "./frame";
import { useNames } from "./names";

const find = async (email: string): Promise<string | undefined> => {
    const { body } = await call(api.GET("/v1/users", { params: { query: { email } } }));
    return body.data[0]?.id;
};

const Audit = () => {
    const nameOf = useNames();
    const [refused, setRefused] = useState<Problem | null>(null);
    return (
        <Frame title={texts.audit} text={texts.auditText} problem={refused}>
            <AuditEvents
                load={async (query, signal) => {
                    try {
                        return await call(api.GET("/v1/audit-events", { params: { query }, signal }));
                    } catch (error) {
                        const problem = Problem.from(error);
                        if (isForOthers(problem)) setRefused(problem);
                        throw problem;
                    }
                }}
                inputs={[]}
                people={{ nameOf, find, hrefOf: (userId) => `/administration/users/${userId}` }}
            />
        </Frame>
    );
};

export default Audit;
