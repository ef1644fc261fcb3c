import { organizationList } from "../../api/organizations";

/** Tells whether an organization is personal; `undefined` before it is known. */
export const usePersonal = (organizationId: string): boolean | undefined => {
    const { items, state } = organizationList();
    if (state.value === "loading") return undefined;
    return items.value.find(({ id }) => id === organizationId)?.personal ?? false;
};
