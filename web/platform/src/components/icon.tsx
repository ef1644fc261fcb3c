// Our icons: lines of 1.5 on a grid of 16.

const PATHS = {
    add: "M8 3v10M3 8h10",
    artifacts: "M9 1.75H4.5a1 1 0 0 0-1 1v10.5a1 1 0 0 0 1 1h7a1 1 0 0 0 1-1V5.25zM9 1.75v3.5h3.5M6 8.5h4M6 11h4",
    audit: "M2.5 3.5h11M2.5 8h11M2.5 12.5h7",
    back: "M9.5 3.5 5 8l4.5 4.5",
    budget: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 5v3l2 1.5",
    chart: "M2.5 13.5h11M4.5 11V8M8 11V3.5M11.5 11V6",
    chat: "M2.5 3.75a1 1 0 0 1 1-1h9a1 1 0 0 1 1 1v6.5a1 1 0 0 1-1 1H7l-3 2.5v-2.5h-.5a1 1 0 0 1-1-1z",
    check: "M3 8.5 6.5 12 13 4.5",
    chevron: "M4.5 6.5 8 10l3.5-3.5",
    close: "M4 4l8 8M12 4l-8 8",
    copy: "M5.5 5.5v-2a1 1 0 0 1 1-1h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-2M3.5 5.5h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-6a1 1 0 0 1-1-1v-6a1 1 0 0 1 1-1z",
    download: "M8 2.5v8M4.5 7.5 8 11l3.5-3.5M2.5 13.5h11",
    edit: "M10.5 3 13 5.5 6 12.5l-3 .5.5-3z",
    external: "M6.5 3.5h-3v9h9v-3M9.5 2.5h4v4M13 3 7.5 8.5",
    eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 9.75a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5z",
    eyeOff: "M2 2l12 12M6.5 3.7A6 6 0 0 1 8 3.5c4 0 6.5 4.5 6.5 4.5a11 11 0 0 1-1.8 2.3M4 5A11 11 0 0 0 1.5 8S4 12.5 8 12.5a6 6 0 0 0 3-.8",
    home: "M2.5 7 8 2.5 13.5 7v6.5h-4v-4h-3v4h-4z",
    information: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.5V11M8 5v.2",
    key: "M9.5 9A3.5 3.5 0 1 0 6.6 6.8L2 11.4V14h2.6v-2h2v-2h1.4z",
    lock: "M4.5 7V5a3.5 3.5 0 0 1 7 0v2M3.5 7h9v6.5h-9z",
    mail: "M2 4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1zM2.5 4 8 8.5 13.5 4",
    menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
    more: "M3 8a.5.5 0 1 0 1 0 .5.5 0 1 0-1 0M7.5 8a.5.5 0 1 0 1 0 .5.5 0 1 0-1 0M12 8a.5.5 0 1 0 1 0 .5.5 0 1 0-1 0",
    moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z",
    organization: "M2.5 13.5v-10h6v10M8.5 6.5h5v7M1.5 13.5h13M5 6h1M5 9h1M10.8 9.5h.5",
    passkey:
        "M6.5 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM2 13.5c0-2.5 2-4 4.5-4 .6 0 1.2.1 1.7.3M12 11.5V14M12 11.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
    retry: "M13 8a5 5 0 1 1-1.5-3.5L13 6M13 2.5V6H9.5",
    screen: "M2 3.5h12v7.5H2zM6 13.5h4",
    search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.5 10.5 14 14",
    send: "M8 13V3M3.5 7.5 8 3l4.5 4.5",
    sessions: "M2 3h8v7H2zM4 13h4M11.5 6H14v7h-3.5",
    settings: "M2.5 4.5h6M11.5 4.5h2M10 6V3M2.5 11.5h2M7.5 11.5h6M6 13v-3",
    shield: "M8 1.75 13 3.5V8c0 3-2.2 5.2-5 6.25C5.2 13.2 3 11 3 8V3.5z",
    signOut: "M6.5 2.5h-3v11h3M6.5 8H14M11 5l3 3-3 3",
    stop: "M4 4h8v8H4z",
    sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
    trash: "M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.5 9h7l.5-9M6.5 7v4M9.5 7v4",
    upload: "M8 11V3M4.5 6 8 2.5 11.5 6M2.5 13.5h11",
    user: "M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8zM2.5 14c0-2.5 2.5-4 5.5-4s5.5 1.5 5.5 4",
    users: "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM1.5 13.5c0-2.3 2-4 4.5-4s4.5 1.7 4.5 4M10.5 2.8a2.5 2.5 0 0 1 0 4.5M12 9.8c1.5.5 2.5 1.9 2.5 3.7",
    warning: "M8 2 14.5 13.5h-13zM8 6.5v3M8 11.5v.2",
};

export type IconName = keyof typeof PATHS;

type IconProps = {
    name: IconName;
    /** Only for an icon that stands without a text. */
    label?: string;
};

export const Icon = ({ name, label }: IconProps) => (
    <svg
        class="icon"
        width="16"
        height="16"
        viewBox="0 0 16 16"
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        stroke-linecap="round"
        stroke-linejoin="round"
        role={label ? "img" : undefined}
        aria-label={label}
        aria-hidden={label ? undefined : "true"}
    >
        <path d={PATHS[name]} />
    </svg>
);
