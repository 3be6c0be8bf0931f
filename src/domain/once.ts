/** What is made when it is first asked for, and the same from then on. For what costs a start time and may not be needed. */
export const once = <Made>(make: () => Made): (() => Made) => {
  let made: { readonly value: Made } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
