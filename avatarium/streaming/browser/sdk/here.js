// The address this very module was loaded from; in the classic script the server puts document.currentScript in its place.

export const HERE = import.meta.url;
