/** A file whose tests are never registered. */
export {};
