/** identity: the token endpoint of a managed identity, the authority behind it, and the certificate of what runs on loopback. */
export { createCertificate, readCertificate, trustCertificate, type Certificate } from "./certificate.ts";
export { resources, startIdentity, type Identity, type IdentityOptions } from "./identity-server.ts";
export { TokenCheck, type TokenExpectation, type TokenVerdict } from "./token-check.ts";
export { TokenIssuer, type Principal, type TokenLifetime } from "./token-issuer.ts";
