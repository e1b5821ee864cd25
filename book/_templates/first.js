
      // Before the first paint: a theme or a font that comes later is seen to come.
      const page = document.documentElement.dataset;
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      page.mode = localStorage.getItem("mode") || "auto";
      page.theme = page.mode !== "auto" ? page.mode : dark ? "dark" : "light";
      for (const face of location.protocol === "file:" ? [] : ["regular", "italic", "semibold"]) {
        const href = `{{ pathto('_static/', 1) }}book-serif-${face}.woff2`;
        const font = { rel: "preload", as: "font", type: "font/woff2", crossOrigin: "", href };
        document.head.append(Object.assign(document.createElement("link"), font));
      }
    
