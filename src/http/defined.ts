type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The members that are not undefined: under `exactOptionalPropertyTypes` absent and undefined are two things. */
export function defined<T extends object>(members: T): Defined<T> {
  // fromEntries knows no member types; filtering undefined is exactly what Defined says.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>;
}
