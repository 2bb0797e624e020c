/** True for a host name that leads to this machine and nowhere else, as the parser of URLs writes it. */
export function isLoopbackName(hostname: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(hostname);
}
