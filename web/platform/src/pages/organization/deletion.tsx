import { type Answer, api, call } from "../../api/client";
import { loadOrganizations, type Organization } from "../../api/organizations";
import { ofShown } from "../../api/stale";
import { Button } from "../../components/button";
import { confirm } from "../../components/confirm";
import { sayFailure } from "../../components/say-failure";
import { say } from "../../components/toast";
import { navigate } from "../../navigation";
import { organization as texts } from "../../texts";
import { shown } from "./days";
import type { Part } from "./settings";

/** The end of an organization. */
export const Deletion = ({ resource, organization, own }: Part) => {
    const { name, personal } = organization;
    const remove = async () => {
        const deleted: { answer?: Answer<{ data: Organization }> } = {};
        const end = ofShown(resource, (etag) => {
            const params = { path: { organizationId: organization.id }, header: { "If-Match": etag } };
            return call(api.DELETE("/v1/organizations/{organizationId}", { params }));
        });
        await confirm({
            title: texts.deleteTitle(name),
            text: texts.deleteText,
            action: texts.delete,
            danger: true,
            typed: name,
            run: async () => {
                deleted.answer = await end();
            },
        });
        if (deleted.answer === undefined) return;
        const { restorableUntil } = deleted.answer.body.data;
        say(texts.deleted(name, restorableUntil ? shown(restorableUntil) : ""), () => void restore(organization));
        navigate("/");
        await loadOrganizations();
    };
    return (
        <section
            class={reason(own, personal) === null ? "card card-danger stack" : "card stack"}
            aria-labelledby="deletion"
        >
            <h2 id="deletion">{texts.deleteHead}</h2>
            <p class="soft">{reason(own, personal) ?? texts.deleteText}</p>
            {personal && <a href="/account/data">{texts.toAccount}</a>}
            {reason(own, personal) === null && (
                <div>
                    <Button look="danger" icon="trash" onClick={() => void remove()}>
                        {texts.delete}
                    </Button>
                </div>
            )}
        </section>
    );
};

/** Returns why somebody cannot delete it; null if nothing is in the way. */
const reason = (own: Part["own"], isPersonal: boolean): string | null => {
    if (isPersonal) return texts.deletePersonal;
    return own === "owner" ? null : texts.deleteRefused;
};

const restore = async ({ id, name }: Organization) => {
    try {
        await call(
            api.POST("/v1/organizations/{organizationId}/restore", { params: { path: { organizationId: id } } }),
        );
        say(texts.restored(name));
        await loadOrganizations();
        navigate(`/organizations/${id}/settings`);
    } catch (error) {
        sayFailure(error);
    }
};
