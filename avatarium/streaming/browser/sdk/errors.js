// Errors as the vendor's SDK throws them: `code` is one of its codes, the message ends in a sentence for people.

export class AgoraRTCException extends Error {
  constructor(code, message, data) {
    super(`AgoraRTCError ${code}: ${message}`);
    this.name = "AgoraRTCException";
    this.code = code;
    this.data = data;
  }

  toString() {
    return this.message;
  }
}

export function invalid(message) {
  return new AgoraRTCException("INVALID_PARAMS", message);
}

// What a getUserMedia failure is called in the SDK.
const MEDIA_CODES = {
  NotAllowedError: ["PERMISSION_DENIED", "The microphone was refused. Allow it for this page in the browser, then try again."],
  SecurityError: ["PERMISSION_DENIED", "The microphone was refused. Allow it for this page in the browser, then try again."],
  NotFoundError: ["DEVICE_NOT_FOUND", "There is no microphone. Plug one in, then try again."],
  NotReadableError: ["NOT_READABLE", "The microphone cannot be opened. Another program may hold it; close that, then try again."],
  OverconstrainedError: ["CONSTRAINT_NOT_SATISFIED", "The microphone that was asked for is not there. Choose another."],
};

export function mediaError(problem) {
  const [code, words] = MEDIA_CODES[problem.name] || ["UNEXPECTED_ERROR", `The microphone failed: ${problem.message}.`];
  return new AgoraRTCException(code, words, { name: problem.name });
}

// An answer of the server that is no success: our sentence under the SDK's code.
export async function refusal(response) {
  let told = {};
  try {
    told = JSON.parse(await response.text()) || {};
  } catch {
    // A proxy in between answers with a page of its own; its status has to do.
  }
  const words = told.message || told.msg || `The server answered with status ${response.status}.`;
  const data = { status: response.status, reason: told.reason || "", retryAfter: Number(response.headers.get("Retry-After")) || 0 };
  return new AgoraRTCException("CAN_NOT_GET_GATEWAY_SERVER", words, data);
}

// Refusals that another attempt cannot change: no right, no such room, a room that ended.
export function isFinal(problem) {
  const status = problem && problem.data && problem.data.status;
  return [400, 401, 403, 404, 406, 409, 410, 415].includes(status);
}
