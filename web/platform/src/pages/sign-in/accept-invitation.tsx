import { useState } from "preact/hooks";
import { signOut } from "../../api/account";
import { api, call } from "../../api/client";
import { loadOrganizations } from "../../api/organizations";
import type { Profile } from "../../api/session";
import { useProfile } from "../../api/use-profile";
import { Button, LinkButton } from "../../components/button";
import { PageHeader } from "../../components/page-header";
import { sayFailure } from "../../components/say-failure";
import { SkeletonText } from "../../components/skeleton";
import { say } from "../../components/toast";
import { navigate, withReturnTo } from "../../navigation";
import { signIn as texts } from "../../texts";
import { MailedLink } from "./mailed-link";

const Invitation = () => {
    const user = useProfile();
    if (user === undefined) return <SkeletonText />;
    return user === null ? <SignInFirst /> : <Answer user={user} />;
};

const PATH = "/invitation";

const SignInFirst = () => (
    <>
        <PageHeader title={texts.invitationTitle} text={`${texts.invitationText} ${texts.invitationSignIn}`} />
        <div class="stack stack-s">
            <LinkButton href={withReturnTo("/sign-in", PATH)} look="primary" wide>
                {texts.signIn}
            </LinkButton>
            <LinkButton href={withReturnTo("/register", PATH)} wide>
                {texts.register}
            </LinkButton>
        </div>
    </>
);

const Answer = ({ user }: { user: Profile }) => {
    const [isDeclining, setDeclining] = useState(false);
    const problems = {
        "already-member": texts.alreadyMember,
        "wrong-address": user.emailVerified ? texts.wrongAddress(user.email) : texts.unverifiedAddress,
    };
    const again = { href: "/", link: texts.goOn };
    const otherAccount = async () => {
        try {
            await signOut();
            navigate(withReturnTo("/sign-in", PATH));
        } catch (error) {
            sayFailure(error);
        }
    };
    const mailAgain = async () => {
        try {
            await call(api.POST("/v1/auth/request-verification"));
            say(texts.mailedAgain);
        } catch (error) {
            sayFailure(error);
        }
    };
    const next = user.emailVerified ? "" : ` ${texts.unverifiedAddress}`;
    const text = `${texts.invitationText} ${texts.invitationAs(user.email)}${next}`;
    return isDeclining ? (
        <MailedLink
            key="decline"
            title={texts.invitationTitle}
            text={text}
            button={texts.decline}
            danger
            send={(token) => call(api.POST("/v1/invitations/decline", { body: { token } }))}
            again={again}
            problems={problems}
            done={{ title: texts.declined, text: texts.declinedText, href: "/", link: texts.goOn }}
        >
            <Button wide onClick={() => setDeclining(false)}>
                {texts.backToInvitation}
            </Button>
        </MailedLink>
    ) : (
        <MailedLink
            key="join"
            title={texts.invitationTitle}
            text={text}
            button={texts.join}
            send={(token) => call(api.POST("/v1/invitations/accept", { body: { token } }))}
            again={again}
            problems={problems}
            done={async ({ body }) => {
                say(texts.joined(body.data.name));
                await loadOrganizations();
                navigate(`/organizations/${body.data.id}/artifacts`, true);
            }}
        >
            <div class="stack stack-s">
                <Button wide onClick={() => setDeclining(true)}>
                    {texts.decline}
                </Button>
                {!user.emailVerified && (
                    <Button look="quiet" wide icon="mail" onClick={() => void mailAgain()}>
                        {texts.mailAgain}
                    </Button>
                )}
                <Button look="quiet" wide icon="user" onClick={() => void otherAccount()}>
                    {texts.otherAccount}
                </Button>
            </div>
        </MailedLink>
    );
};

export default Invitation;
