/** Addresses of this machine. */

const loopbackAddress =
  /^(?:sb|https?):\/\/(?:localhost|127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}|\[::1\])(?::\d{1,5})?(?:\/[\w-]*)*$/i;

/**
 * True for an address of this machine. It is told by its whole form: what only begins like one (`127.0.0.1.example.com`,
 * `127.0.0.1@example.com`) is not.
 */
export function isLoopback(address: string): boolean {
  return loopbackAddress.test(address);
}
