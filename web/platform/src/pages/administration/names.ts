import { useEffect, useMemo } from "preact/hooks";
import { api, call } from "../../api/client";
import { type Names, namesFrom } from "../../api/names";

const nameOfUser = async (userId: string): Promise<string> => {
    const { body } = await call(api.GET("/v1/users/{userId}", { params: { path: { userId } } }));
    return body.data.name;
};

/** Returns the function that knows a name, or asks for it: then it is known at a later rendering. A person who is not found keeps the id. */
export const useNames = (): Names["nameOf"] => {
    const names = useMemo(() => namesFrom(nameOfUser), []);
    useEffect(() => names.stop, [names]);
    return names.nameOf;
};
