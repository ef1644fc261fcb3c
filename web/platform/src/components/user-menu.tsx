import { signOut } from "../api/account";
import { profile } from "../api/session";
import { navigate } from "../navigation";
import { general as texts } from "../texts";
import { Icon } from "./icon";
import { Menu, MenuItem } from "./menu";
import { Initial } from "./organization-switcher";
import { sayFailure } from "./say-failure";
import { setTheme, type Theme, theme } from "./theme";

const THEMES: readonly Theme[] = ["system", "light", "dark"];
const ICONS = { system: "screen", light: "sun", dark: "moon" } as const;

const leave = async () => {
    try {
        await signOut();
        navigate("/sign-in");
    } catch (error) {
        sayFailure(error);
    }
};

/** The account, the theme, and the way out. */
export const UserMenu = () => {
    const user = profile.value;
    if (!user) return null;
    const button = (
        <>
            <Initial name={user.name} round />
            <span class="grow cut">{user.name}</span>
            <Icon name="more" />
        </>
    );
    return (
        <Menu label={`${user.name}: ${texts.accountMenu}`} button={button} buttonClass="switcher">
            <p class="menu-text cut">{user.email}</p>
            <MenuItem href="/account/profile" icon="user">
                {texts.account}
            </MenuItem>
            {user.systemAdministrator && (
                <MenuItem href="/administration/users" icon="shield">
                    {texts.administration}
                </MenuItem>
            )}
            <hr />
            <p class="menu-text">{texts.theme}</p>
            {THEMES.map((one) => (
                <MenuItem key={one} icon={ICONS[one]} isCurrent={theme.value === one} onClick={() => setTheme(one)}>
                    {texts.themes[one]}
                </MenuItem>
            ))}
            <hr />
            <MenuItem icon="signOut" onClick={() => void leave()}>
                {texts.signOut}
            </MenuItem>
        </Menu>
    );
};
