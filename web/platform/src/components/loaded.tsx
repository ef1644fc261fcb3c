import type { ComponentChildren } from "preact";
import type { Resource } from "../api/pages";
import { Failure } from "./failure";
import { SkeletonText } from "./skeleton";

type LoadedProps<T> = {
    resource: Resource<T>;
    children: (value: T) => ComponentChildren;
    skeleton?: ComponentChildren;
};

/** Shows a resource: its skeleton, its failure, or the resource. */
export const Loaded = <T,>({ resource, children, skeleton }: LoadedProps<T>) => {
    const value = resource.value.value;
    const problem = resource.problem.value;
    if (value === undefined) {
        return problem ? <Failure problem={problem} retry={resource.reload} /> : (skeleton ?? <SkeletonText />);
    }
    return (
        <>
            {problem && <Failure problem={problem} retry={resource.reload} />}
            {children(value)}
        </>
    );
};
