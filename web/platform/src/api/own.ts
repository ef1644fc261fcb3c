/** Returns a member of an object. Unlike `record[name]`, it does not find what every object inherits, such as `constructor`. */
export const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
    Object.hasOwn(record, name) ? record[name] : undefined;
