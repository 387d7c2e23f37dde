/** Why a sealed export cannot be opened. */
export type UnsealReason = "password" | "damaged" | "unsupported";

/** A sealed export cannot be opened, and nothing of it was used. */
export class UnsealError extends Error {
  /** Always `UnsealError`. */
  override readonly name = "UnsealError";
  /**
   * What is wrong: `"password"` if it is another than it was sealed with (or the header was damaged just
   * so), `"damaged"` if the export is not, byte for byte, what was sealed, `"unsupported"` if it is
   * none, or one that asks for more than is allowed.
   */
  readonly reason: UnsealReason;

  /** Builds the message from what is wrong. */
  constructor(reason: UnsealReason, why: string, options?: ErrorOptions) {
    super(`Cannot unseal: ${why}`, options);
    this.reason = reason;
  }
}
