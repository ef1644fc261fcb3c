import { useLocation } from "preact-iso";
import { useRole } from "../api/organizations";
import { general as texts } from "../texts";
import { Icon, type IconName } from "./icon";
import { SEARCH_KEYS, useSearchKey } from "./search-key";

type Link = {
    href: string;
    text: string;
    icon: IconName;
    /** For owners and administrators. */
    isManaging?: boolean;
    keys?: typeof SEARCH_KEYS;
};

const work = (base: string): Link[] => [
    { href: `${base}/artifacts`, text: texts.artifacts, icon: "artifacts" },
    { href: `${base}/search`, text: texts.search, icon: "search", keys: SEARCH_KEYS },
    { href: `${base}/conversations`, text: texts.chat, icon: "chat" },
];

const manage = (base: string): Link[] => [
    { href: `${base}/members`, text: texts.members, icon: "users" },
    { href: `${base}/invitations`, text: texts.invitations, icon: "mail", isManaging: true },
    { href: `${base}/api-keys`, text: texts.apiKeys, icon: "key", isManaging: true },
    { href: `${base}/usage`, text: texts.usage, icon: "chart", isManaging: true },
    { href: `${base}/audit`, text: texts.audit, icon: "audit", isManaging: true },
    { href: `${base}/settings`, text: texts.settings, icon: "settings" },
];

/** The pages of one organization. */
export const Navigation = ({ organizationId }: { organizationId: string | null }) =>
    organizationId === null ? null : <Groups organizationId={organizationId} />;

const Groups = ({ organizationId }: { organizationId: string }) => {
    const role = useRole(organizationId);
    const base = `/organizations/${organizationId}`;
    useSearchKey(`${base}/search`);
    const links = manage(base).filter(({ isManaging }) => !isManaging || role !== "member");
    return (
        <nav aria-label={texts.navigation}>
            <Group title={texts.work} links={work(base)} />
            <Group title={texts.manage} links={links} />
        </nav>
    );
};

const Group = ({ title, links }: { title: string; links: Link[] }) => {
    const { path } = useLocation();
    return (
        <div class="nav-group">
            <h2 class="nav-title">{title}</h2>
            <ul class="nav">
                {links.map(({ href, text, icon, keys }) => (
                    <li key={href}>
                        <a
                            class="nav-link"
                            href={href}
                            aria-keyshortcuts={keys?.name}
                            data-keys={keys?.text}
                            aria-current={path === href || path.startsWith(`${href}/`) ? "page" : undefined}
                        >
                            <Icon name={icon} />
                            {text}
                        </a>
                    </li>
                ))}
            </ul>
        </div>
    );
};
