"""Names of the namespaces for files and categories in the larger Wikipedias, lower case.

Links into these namespaces show no prose. Every wiki also knows the English names.
"""

from __future__ import annotations

from typing import Final

_FILE: Final = """
file|image|media|datei|bild|fichier|archivo|imagen|immagine|ficheiro|imagem|arquivo|bestand|afbeelding|plik|grafika|
файл|изображение|зображення|выява|картинка|слика|датотека|slika|datoteka|soubor|súbor|obrázok|kép|fájl|fișier|
imagine|dosya|resim|tiedosto|kuva|fil|billede|fitxer|imatge|fitxategi|irudi|ficheru|attēls|vaizdas|pilt|αρχείο|
εικόνα|קובץ|תמונה|ملف|صورة|پرونده|تصویر|चित्र|ছবি|চিত্র|படிமம்|దస్త్రం|ไฟล์|ภาพ|tập tin|hình|berkas|gambar|ファイル|
画像|文件|檔案|图像|파일|그림|ფაილი|պատկեր|dosiero|skrá|mynd|comhad|delwedd|lêer|beeld
"""

_CATEGORY: Final = """
category|kategorie|catégorie|categoría|categoria|categorie|kategoria|категория|категорія|катэгорыя|категорија|
kategorija|kategória|kategori|luokka|kategooria|kategorio|flokkur|catagóir|categori|kategoriya|kateqoriya|санат|
κατηγορία|קטגוריה|تصنيف|رده|زمرہ|श्रेणी|বিষয়শ্রেণী|பகுப்பு|వర్గం|หมวดหมู่|thể loại|カテゴリ|分类|分類|분류|კატეგორია|
կատեգորիա|категори|төркем|ангилал|turkum|jamii
"""

FILE: Final = frozenset(_FILE.replace("\n", "").split("|"))
CATEGORY: Final = frozenset(_CATEGORY.replace("\n", "").split("|"))
