import { general as texts } from "../texts";

/** The mark of the product, which leads home. */
export const Brand = () => (
    <a class="brand" href="/">
        <Mark />
        {texts.product}
    </a>
);

const Mark = ({ size = 20 }: { size?: number }) => (
    <svg width={size} height={size} viewBox="0 0 20 20" fill="none" aria-hidden="true">
        <path
            d="M2.5 17.5v-7.500a7.5 7.5 0 0 1 15 0v7.500M7 17.5v-7a3 3 0 0 1 6 0v7"
            stroke="currentColor"
            stroke-width="2.25"
            stroke-linecap="round"
        />
    </svg>
);
