/** Thrown to leave the quick way; one object, because a stack trace a message would cost more than the parse. */
export const OTHER_FORM = new Error('not the wire form');
