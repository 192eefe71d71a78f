export { tokenVerifier, type VerifyToken } from './verifier.ts'
