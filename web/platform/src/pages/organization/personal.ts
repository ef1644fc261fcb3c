import { organizations } from "../../api/organizations";

/** Tells whether an organization is personal; `undefined` before it is known. */
export const usePersonal = (organizationId: string): boolean | undefined =>
    organizations.value?.find(({ id }) => id === organizationId)?.personal;
