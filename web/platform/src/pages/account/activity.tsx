import { api, call } from "../../api/client";
import { profile } from "../../api/session";
import { AuditEvents } from "../../components/audit-events";
import { account as texts } from "../../texts";
import { AccountPage } from "./frame";

const Activity = () => (
    <AccountPage title={texts.activity} text={texts.activityText}>
        <AuditEvents
            load={({ limit, cursor, action, since, until }, signal) =>
                call(
                    api.GET("/v1/auth/me/audit-events", {
                        params: { query: { limit, cursor, action, since, until } },
                        signal,
                    }),
                )
            }
            inputs={[]}
            people={{ nameOf: (id) => (id === profile.value?.id ? texts.byYou : undefined), other: texts.byOthers }}
        />
    </AccountPage>
);

export default Activity;
