drawFigure(document.querySelector("main"), JSON.parse(document.getElementById("data").textContent), "h1");
