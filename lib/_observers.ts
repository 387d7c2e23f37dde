/**
 * Calls to observers (`onContention`, `onRetire`): they are told what happened, and nothing they
 * do can change it. The one line that makes it hold is the `catch`.
 */

/**
 * Calls an observer. What it throws becomes an unhandled rejection: it must neither unwind
 * through the lock that was in the midst of something, nor vanish.
 */
export function tell<A extends unknown[]>(observer: (...args: A) => void, ...args: A): void {
  try {
    observer(...args);
  } catch (error) {
    Promise.reject(error);
  }
}
